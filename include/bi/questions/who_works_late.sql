-- Who works late? People who signed in outside working hours or at a weekend, in local time.
-- Variables: time_zone, work_starts, work_ends (hours).
SELECT
  s.user_principal_name,
  count(DISTINCT c.local_date) AS days,
  count(*) AS sign_ins,
  count(*) FILTER (c.local_hour >= 22 OR c.local_hour < 5) AS at_night,
  count(*) FILTER (c.is_weekend) AS at_weekends,
  max(c.local_time) AS last_local_time
FROM sign_ins AS s
JOIN calendar AS c ON c.quarter_start = time_bucket(INTERVAL 15 MINUTE, s.created_date_time)
WHERE s.status_error_code = 0 AND s.is_interactive AND NOT c.is_working_time
GROUP BY ALL
ORDER BY days DESC, sign_ins DESC, s.user_principal_name
