"""Times as the timeline of an order has them: to the second, and no "12:43 a.m." for 00:43."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "j M Y, H:i:s"
