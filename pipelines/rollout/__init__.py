"""Roll-out: what serial numbers changed in the stores that have them, and whether the next wave may go.

Effects, the proposal for the next wave, and accepting what a load differs in belong here; whether a load reconciles follows from the
marts (dbt_project/models/marts/rollout). The project, its measures and their limits are explained in pipelines/rollout/ROLLOUT.md.
"""
