-- Is somebody trying a few passwords on many accounts? Addresses from which, on one day, ten users
-- or more failed on their password, with few tries each, and far more failed than got in (an
-- office behind one address fails as well, but mostly gets in).
-- 50126 wrong password, 50053 locked, 50034 no such account, 50056 no password.
SELECT
  ip_address,
  date,
  any_value(location_country_or_region) AS country,
  count(DISTINCT user_id) FILTER (is_guess) AS users_tried,
  count(*) FILTER (is_guess) AS guesses,
  count(DISTINCT user_id) FILTER (status_error_code = 0) AS users_who_got_in,
  list_sort(list(DISTINCT user_principal_name) FILTER (status_error_code = 0)) AS got_in,
  min(created_date_time) FILTER (is_guess) AS first_guess,
  max(created_date_time) FILTER (is_guess) AS last_guess
FROM (
  SELECT *, status_error_code IN (50126, 50053, 50034, 50056) AS is_guess
  FROM sign_ins
  WHERE ip_address <> ''
)
GROUP BY ip_address, date
HAVING users_tried >= 10 AND guesses <= 5 * users_tried AND users_tried > 3 * users_who_got_in
ORDER BY users_tried DESC, date, ip_address
