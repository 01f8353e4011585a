"""Recall: which units a predicate names, where each is, whom to reach, and what to block, as files and as published tables.

Finding units and answering about them belong here. Where a unit is follows from the ledger (dbt_project/models/marts/ledger).
The columns of a predicate, the files and the tables are explained in pipelines/recall/RECALL.md.
"""
