"""Definitions: the thin Dagster shell, one file per stage.

Keys, groups, descriptions, schedules and retries belong here; business code does not. See README.md, section "Run it".
"""
