"""Laws of the study's result as text: our rates beside the paper's, and no claim where there is nothing to compare."""

from pathlib import Path

from tests.listening.made_up_answers import few_answers, many_answers
from vis2sound_jax.listening.answers import analyse_answers
from vis2sound_jax.systems.vis.scoring.listening_text import answers_text


def test_rates_stand_beside_the_papers(tmp_path: Path) -> None:
    text = answers_text(analyse_answers(many_answers(tmp_path)))
    assert text.splitlines()[0] == "Labelled real, in percent: 400 answers of 10 people."
    assert text.splitlines()[3].split()[-3:] == ["40.01", "±", "1.66"]  # the paper's
    assert "full system  40.00 ± 6.79" in text and "By material:" in text
    assert "full system – random: p < 0.0001" in text and "[33.5, 46.9]" in text


def test_one_person_gives_no_interval_over_people_and_no_test(tmp_path: Path) -> None:
    text = answers_text(analyse_answers(few_answers(tmp_path)))
    assert "full system – random: –" in text
    row = next(line for line in text.splitlines() if line.startswith("random"))
    assert row.split()[1:4] == ["0.00", "±", "0.00"] and " – " in row
