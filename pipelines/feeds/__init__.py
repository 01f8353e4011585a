"""Feeds: what Serialake tells the systems on the other side, as files in outbox/, each file once and for good.

Which lines are due, what was sent, and how a file looks belong here. What moved is told by the published tables, and when a feed
is written by pipelines/defs/feeds.py. The files, their keys and corrections are explained in pipelines/feeds/PEOPLESOFT.md.
"""

from pipelines.feeds.acknowledged import ACKNOWLEDGEMENTS
from pipelines.feeds.feeding import Fed, FeedError, feed_peoplesoft
from pipelines.feeds.settings import FeedSettingsError, read_settings, settings_file

__all__ = ["ACKNOWLEDGEMENTS", "Fed", "FeedError", "FeedSettingsError", "feed_peoplesoft", "read_settings", "settings_file"]
