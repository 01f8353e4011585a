"""Checks: what contracts demand of delivered rows, found by Great Expectations, kept, and decided on.

Deriving rules from contracts, judging new rows, comparing volumes with history, and holding loads back belong here. Columns and
rules are written in data_contracts/sources; records that cannot be typed are refused earlier (pipelines/sources).
"""
