"""Intraday: what files bring during the day, shown within seconds, until the next night has built it.

Taking files in, folding the units that they touch, and the tables of what changed belong here; the meaning of a movement does not: the
fold is the ledger's own SQL (pipelines/compiled.py). See INTRADAY.md.
"""
