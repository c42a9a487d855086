-- Which risky sign-ins succeeded, and nobody has closed the risk since?
SELECT
  created_date_time,
  user_principal_name,
  app_display_name,
  ip_address,
  location_country_or_region AS country,
  risk_level_during_sign_in,
  risk_level_aggregated,
  risk_state,
  risk_event_types_v2 AS risk_event_types
FROM sign_ins
WHERE status_error_code = 0
  AND (
    risk_level_during_sign_in IN ('low', 'medium', 'high')
    OR risk_level_aggregated IN ('low', 'medium', 'high')
  )
  AND coalesce(risk_state, '') NOT IN ('remediated', 'dismissed', 'confirmedSafe')
ORDER BY
  greatest(
    list_position(['low', 'medium', 'high'], risk_level_during_sign_in),
    list_position(['low', 'medium', 'high'], risk_level_aggregated)
  ) DESC,
  created_date_time DESC, user_principal_name
