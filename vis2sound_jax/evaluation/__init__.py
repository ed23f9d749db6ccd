"""Scores, classifiers, protocols and the report: how good a soundtrack is, and how sure we are."""
