-- The calendar in local time: one row for each quarter of an hour that the lake covers (every time
-- zone on earth is a whole number of quarters away from UTC, not always of hours).
-- Join it with: calendar.quarter_start = time_bucket(INTERVAL 15 MINUTE, created_date_time)
-- Time zone and working hours are variables: SET VARIABLE time_zone = 'Europe/Berlin';
CREATE OR REPLACE VIEW calendar AS
WITH covered AS (
  SELECT min(date) AS first_date, max(date) AS last_date
  FROM (
    SELECT date FROM sign_ins
    UNION ALL SELECT date FROM directory_audits
    UNION ALL SELECT date FROM risk_detections
  )
),
quarters AS (
  SELECT timezone('UTC', unnest(range(
    first_date::TIMESTAMP, last_date::TIMESTAMP + INTERVAL 1 DAY, INTERVAL 15 MINUTE
  ))) AS quarter_start
  FROM covered
),
local AS (
  SELECT quarter_start, timezone(getvariable('time_zone'), quarter_start) AS local_time
  FROM quarters
)
SELECT
  quarter_start,
  timezone('UTC', quarter_start)::DATE AS date,
  (hour(timezone('UTC', quarter_start)) // 2 * 2)::INTEGER AS hour,
  local_time,
  local_time::DATE AS local_date,
  hour(local_time)::INTEGER AS local_hour,
  isodow(local_time)::INTEGER AS local_weekday,
  dayname(local_time) AS local_weekday_name,
  isodow(local_time) >= 6 AS is_weekend,
  isodow(local_time) < 6
    AND hour(local_time) >= getvariable('work_starts')
    AND hour(local_time) < getvariable('work_ends') AS is_working_time
FROM local;
