"""Events as a document, in forms that other programs read and write; knows no system, film or sound of ours."""
