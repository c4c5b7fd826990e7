# The report of gpu-check, which sources this: $out, $budget and $native are its. Both files are written whole under another
# name and renamed, before and after each step, so that they are valid at every moment. No text passes through a process: one
# that is killed would leave half of it.
rows=()     # of the table in Markdown
entries=()  # the same in JSON
sections=() # what steps printed, in Markdown
failed=0
finished=false
running=
child=
gpu=
started_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
revision=$(git -C "$native" describe --always --dirty 2> /dev/null || echo unknown)
log=$out/gpu-check.log
running_log=$out/gpu-check.running.log
rm -f "$out"/gpu-check.{json,md,log,running.log,new}
: > "$log"

quote() { # quote TEXT: sets $quoted to it as a JSON string, in ASCII
  local LC_ALL=C
  quoted=${1//[^[:print:]$'\n\t']/}
  quoted=${quoted//\\/\\\\}
  quoted=${quoted//\"/\\\"}
  quoted=${quoted//$'\t'/\\t}
  quoted=\"${quoted//$'\n'/\\n}\"
}

write() { # write NAME TEXT
  printf '%s\n' "$2" > "$out/gpu-check.new" && mv -f "$out/gpu-check.new" "$out/$1"
}

report() {
  local text entry separator=
  text="{\"started\": \"$started_at\", \"seconds\": $SECONDS, \"budget\": $budget, \"finished\": $finished, \"failed\": $failed"
  quote "$gpu"
  text+=", \"gpu\": $quoted"
  quote "$revision"
  text+=", \"revision\": $quoted"
  quote "$running"
  text+=", \"running\": $quoted, \"steps\": ["
  for entry in "${entries[@]}"; do
    text+=$separator$'\n'"  $entry"
    separator=,
  done
  write gpu-check.json "$text"$'\n]}'
  text="# CUDA backend, $started_at"$'\n\n'"GPU: ${gpu:-none}. Revision: $revision. $SECONDS of $budget s, $failed failed"
  if [ "$finished" = true ]; then text+=.; else text+="; not finished${running:+, \"$running\" runs}."; fi
  text+=$'\n\n| step | result | seconds | |\n| --- | --- | --- | --- |'
  for entry in "${rows[@]}"; do text+=$'\n'$entry; done
  for entry in "${sections[@]}"; do text+=$'\n\n'$entry; done
  write gpu-check.md "$text"
}

note() { # note STEP RESULT DETAIL [SECONDS] [OUTPUT]: what became of a step
  local entry
  quote "$1"
  entry="{\"step\": $quoted, \"result\": \"$2\", \"seconds\": ${4:-0}"
  quote "$3"
  entry+=", \"detail\": $quoted"
  quote "${5:-}"
  entry+=", \"output\": $quoted}"
  entries+=("$entry")
  rows+=("| $1 | $2 | ${4:-0} | $3 |")
  [ "$2" = FAILED ] && failed=$((failed + 1))
  echo "$1: $2 $3" >&2
  running=
  report
}

# step NAME SECONDS KEPT COMMAND…: of what it prints the report keeps a table, text, or none unless it fails.
step() {
  local name=$1 limit=$2 kept=$3 left=$((budget - SECONDS)) begin=$SECONDS status=0 result=passed detail= output took
  shift 3
  if [ "$left" -lt 2 ]; then
    note "$name" skipped 'no time was left'
    return 0
  fi
  [ "$limit" -gt "$left" ] && limit=$left
  running=$name
  report
  timeout -k 5 "$limit" "$@" > "$running_log" 2>&1 < /dev/null &
  child=$!
  wait "$child" || status=$?
  child=
  took=$((SECONDS - begin))
  case $status in
    0) ;;
    77) result=FAILED detail='it was skipped, though there is a GPU' ;;
    124 | 137) result=FAILED detail="stopped after $took s" ;;
    *) result=FAILED detail="exit $status" ;;
  esac
  {
    printf '\n== %s: %s %s\n' "$name" "$result" "$detail"
    tail -c 200000 "$running_log"
  } >> "$log"
  output=$(tail -c 20000 "$running_log")
  if [ "$result" = FAILED ]; then
    output=$(tail -n 40 <<< "$output" | tail -c 8000)
    sections+=("## $name: $detail"$'\n\n'"    ${output//$'\n'/$'\n'    }")
  elif [ "$kept" = table ]; then
    sections+=("## $name"$'\n\n'"$output")
  elif [ "$kept" = text ]; then
    sections+=("## $name"$'\n\n'"    ${output//$'\n'/$'\n'    }")
  else
    output=$(tail -n 5 <<< "$output")
  fi
  rm -f "$running_log"
  note "$name" "$result" "$detail" "$took" "$output"
  [ "$result" = passed ]
}

stopped() { # by a signal: says what ran, and ends it
  [ -n "$child" ] && kill -TERM "$child" 2> /dev/null
  # Between two steps the last one may not be in the files yet.
  if [ -n "$running" ]; then note "$running" FAILED 'gpu-check was stopped'; else report; fi
  exit 143
}
trap stopped TERM INT HUP
