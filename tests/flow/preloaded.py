"""What a nightly run imports: a process that has read this module, and done nothing else, is what runs are forked from.

Only the forking process reads it, with SERIALAKE_HOME naming a prepared home: the definitions name its manifest of dbt.
"""

import dagster_dbt  # noqa: F401
import great_expectations.core.batch
import great_expectations.execution_engine.sqlalchemy_batch_data
import great_expectations.expectations
import great_expectations.validator.validator  # noqa: F401
import lightgbm  # noqa: F401
import scipy.optimize  # noqa: F401
import sklearn.linear_model
import sklearn.metrics  # noqa: F401
import utilsforecast.losses  # noqa: F401

import pipelines.cli
import pipelines.runs
import pipelines.summary  # noqa: F401
from pipelines.definitions import defs

defs()
