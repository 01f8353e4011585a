"""Replenishment: how much stock each variant needs at each site, and which units to move before any are bought.

Policies, the simulator that judges them, targets and proposals belong here; forecasting demand does not (pipelines/forecasting). How the
parts fit together, and what they are good for, is explained in pipelines/replenishment/REPLENISHMENT.md.
"""
