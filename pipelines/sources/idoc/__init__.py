"""IDoc: XML files of SAP, from bytes to records of the contracts.

Reading segments (reader.py), one module per family of documents, and the text of refused segments (raw.py) belong here.
What the fields mean is written in the contracts in data_contracts/sources.
"""
