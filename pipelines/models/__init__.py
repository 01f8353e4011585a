"""Models: features become fitted models, judged on time they have not seen, and written down in a card.

Fitting, backtests, promotion, scoring and the files below models/ belong here. Features do not (pipelines/features), nor does
Dagster (pipelines/defs). The shape that every model follows is told in README.md, section "The models".
"""
