-- Current risk per user: what the newest version of every risk detection in the lake adds up to.
-- risk_level is the highest of the detections that are still open (at risk, or confirmed), 'none'
-- when all are closed. 'hidden' is what a tenant without Entra ID P2 gets instead of a level.
CREATE OR REPLACE VIEW current_risk AS
WITH detections AS (
  SELECT
    tenant_id, user_id, user_principal_name, user_display_name,
    risk_event_type, risk_state, risk_detail, detected_date_time,
    coalesce(last_updated_date_time, detected_date_time) AS updated_at,
    coalesce(risk_state IN ('atRisk', 'confirmedCompromised'), false) AS is_open,
    list_position(['hidden', 'low', 'medium', 'high'], risk_level) AS level
  FROM risk_detections
  WHERE user_id IS NOT NULL
)
SELECT
  tenant_id,
  user_id,
  arg_max(user_principal_name, updated_at) AS user_principal_name,
  arg_max(user_display_name, updated_at) AS user_display_name,
  coalesce(
    ['hidden', 'low', 'medium', 'high'][max(level) FILTER (is_open)], 'none'
  ) AS risk_level,
  arg_max(risk_state, updated_at) AS last_risk_state,
  arg_max(risk_detail, updated_at) AS last_risk_detail,
  count(*) FILTER (is_open) AS open_detections,
  count(*) AS detections,
  coalesce(
    list_sort(list(DISTINCT risk_event_type) FILTER (is_open)), []
  ) AS open_risk_event_types,
  max(detected_date_time) AS last_detected_at,
  max(updated_at) AS last_updated_at
FROM detections
GROUP BY tenant_id, user_id;
