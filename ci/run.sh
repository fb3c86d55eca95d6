#!/usr/bin/env bash
# One run in continuous integration: its options come from the environment, its exit status is the suite's.
# Where GITHUB_STEP_SUMMARY and GITHUB_OUTPUT name files, the summary and both answers are added to them.
set -euo pipefail

reports=${PAR_REPORTS:-par-reports}
options=(--report-dir "$reports" --fail-on "${PAR_FAIL_ON:-must}")
for plan in ${PAR_PLANS:-}; do options+=(--plan "$plan"); done
if [[ -n "${PAR_BASELINE:-}" ]]; then options+=(--baseline "$PAR_BASELINE"); fi
read -r -a more <<<"${PAR_ARGUMENTS:-}"

mkdir -p "$reports"
before=$(mktemp)
status=0
par-conformance run "$PAR_PROFILE" "${options[@]}" "${more[@]}" || status=$?

# A wrong profile leaves no run.
record=$(find "$reports" -mindepth 3 -maxdepth 3 -name report.json -newer "$before" -print -quit)
rm "$before"
if [[ -n "$record" ]]; then
  folder=$(dirname "$record")
  if [[ "${PAR_PDF:-false}" == true ]]; then
    # The gate is decided: a missing browser must not turn it.
    par-conformance report "$folder" --format pdf || echo "there is no report.pdf" >&2
  fi
  if [[ -n "${GITHUB_STEP_SUMMARY:-}" ]]; then cat "$folder/summary.md" >>"$GITHUB_STEP_SUMMARY"; fi
  if [[ -n "${GITHUB_OUTPUT:-}" ]]; then
    {
      echo "folder=$folder"
      # Both answers are members of the record itself, each on a line of its own.
      sed -n -E 's/^  "(conformance|gate)": "([a-z]+)",$/\1=\2/p' "$record"
    } >>"$GITHUB_OUTPUT"
  fi
fi
exit "$status"
