"""Features: a panel or case table becomes the matrix that a learner reads.

Frame in, frame out, the same for our own tables and for any outside file; every feature is what was known at its as-of date.
Learning does not belong here (pipelines/models); knobs stand in pipelines/params.yaml.
"""
