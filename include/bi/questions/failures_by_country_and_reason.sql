-- From which countries do sign-ins fail, and why?
SELECT
  coalesce(nullif(location_country_or_region, ''), 'unknown') AS country,
  status_error_code AS error_code,
  any_value(status_failure_reason) AS reason,
  count(*) AS failures,
  count(DISTINCT user_id) AS users
FROM sign_ins
WHERE status_error_code <> 0
GROUP BY country, error_code
ORDER BY failures DESC, country, error_code
