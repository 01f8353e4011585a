"""Sweeper: cases of goods that are not where documents say, what is proposed, and what people decide.

Which units are concerned is found by the marts (dbt_project/models/marts/deliveries); proposals and the states of cases belong here.
Nothing is ever posted: see SWEEPER.md.
"""
