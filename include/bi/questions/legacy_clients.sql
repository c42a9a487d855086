-- Who still uses clients with legacy authentication, which know no multi-factor authentication?
SELECT
  client_app_used AS client,
  user_principal_name,
  count(*) AS attempts,
  count(*) FILTER (status_error_code = 0) AS succeeded,
  max(created_date_time) AS last_attempt
FROM sign_ins
WHERE client_app_used NOT IN ('', 'Browser', 'Mobile Apps and Desktop clients')
GROUP BY client, user_principal_name
ORDER BY succeeded DESC, attempts DESC, client, user_principal_name
