"""The look of the report: one style sheet, light and dark, no outside resource."""

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1c1f24; --quiet: #59616d; --paper: #ffffff; --card: #f4f6f8; --line: #d9dee5; --accent: #1f5fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8eaed; --quiet: #a3adba; --paper: #14171b; --card: #1e2329; --line: #363d47; --accent: #7db4f5;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1.02rem; margin: 0 0 .3rem; }
a { color: var(--accent); }
.data { font-weight: 600; margin: 0 0 .8rem; padding: .5rem .8rem; border-left: .3rem solid var(--accent);
  background: var(--card); }
.quiet, figcaption, caption, small { color: var(--quiet); font-size: .87rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: .6rem 0; padding: 0; }
.claims { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: .9rem;
  list-style: none; margin: 0; padding: 0; }
.claims li, .example { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .9rem 1rem; }
.claims strong { display: block; font-size: 1.6rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--accent); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .2rem 0 .5rem; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap;
  vertical-align: top; }
thead th { vertical-align: bottom; font-size: .84rem; white-space: normal; }
tbody th, thead th:first-child { text-align: left; font-weight: 600; }
td small { display: block; }
tr.bound { background: var(--card); }
.meter { display: block; height: .22rem; margin-top: .18rem; background: var(--line); border-radius: .1rem; }
.meter i { display: block; height: 100%; background: var(--accent); border-radius: .1rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; }
img, video { max-width: 100%; height: auto; border-radius: .4rem; background: #ffffff; }
.example { margin: 0 0 1.2rem; }
.media { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1.2rem; }
.sounds { display: grid; gap: .5rem; align-content: start; margin: 0; }
.sounds div { display: grid; gap: .1rem; }
.sounds dt { font-size: .87rem; }
.sounds dd { margin: 0; }
audio { width: 100%; height: 2.3rem; }
"""
