"""EPCIS: events of partners, in GS1's form, become records of data_contracts/sources/epcis.

Reading, validating and putting identifiers into one form belong here; what an event means for a unit does not (dbt).
See EPCIS.md beside this file.
"""
