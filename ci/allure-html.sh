#!/usr/bin/env bash
# Allure's HTML of a run, in one file that loads nothing from anywhere: ci/allure-html.sh RUN FOLDER. Needs npx.
# Allure's newer themes load a script for analytics that no option takes out; its classic one obeys the variable.
set -euo pipefail
run=$1 folder=$2

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
par-conformance report "$run" --format allure --into "$work" >/dev/null
ALLURE_NO_ANALYTICS=true npx --yes allure@3.18.0 allure2 "$work/allure-results" --single-file --output "$folder"

if grep -E -q '<(script|link|img|iframe)[^>]+(src|href)="(https?:)?//' "$folder/index.html"; then
  echo "$folder/index.html loads something from outside" >&2
  exit 1
fi
echo "$folder/index.html"
