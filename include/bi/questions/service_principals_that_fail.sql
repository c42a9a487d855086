-- Which service principals fail? Their own sign-ins (beta of Graph, and some on v1.0), and what
-- they tried to change in the directory without success.
WITH failures AS (
  SELECT
    service_principal_id,
    service_principal_name,
    'sign-in to ' || coalesce(resource_display_name, 'an unknown resource') AS what,
    concat_ws(' ', status_error_code, status_failure_reason) AS reason,
    created_date_time AS failed_at
  FROM sign_ins
  WHERE service_principal_id <> '' AND status_error_code <> 0
  UNION ALL
  SELECT
    initiated_by_app_service_principal_id,
    coalesce(initiated_by_app_display_name, initiated_by_app_service_principal_name),
    activity_display_name,
    result_reason,
    activity_date_time
  FROM directory_audits
  WHERE initiated_by_app_service_principal_id <> '' AND result IN ('failure', 'timeout')
)
SELECT
  arg_max(service_principal_name, failed_at) AS service_principal,
  service_principal_id,
  what,
  arg_max(reason, failed_at) AS last_reason,
  count(*) AS failures,
  min(failed_at) AS first_failure,
  max(failed_at) AS last_failure
FROM failures
GROUP BY service_principal_id, what
ORDER BY failures DESC, service_principal, what
