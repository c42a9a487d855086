-- What the views and questions may be told; change one with the same statement.
SET VARIABLE time_zone = 'UTC';   -- of the calendar: 'Europe/Berlin', 'America/New_York', ...
SET VARIABLE work_starts = 7;     -- working time, Monday to Friday: from this local hour
SET VARIABLE work_ends = 19;      -- up to this one
SET VARIABLE dormant_days = 14;   -- an account is dormant after so many days without a success
SET TimeZone = 'UTC';             -- in which times are shown
