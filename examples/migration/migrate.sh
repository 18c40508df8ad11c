#!/usr/bin/env bash
# Migrates the users of an Auth0 export: run ./migrate.sh dry-run, then import, then verify.
set -euo pipefail
export=(users.json --from auth0 --option hashes=hashes.json)

case ${1:-} in
    dry-run)
        # Reads the file and the tenant, changes nothing, and says what each user loses.
        monocloud users import "${export[@]}" --dry-run --results plan.csv
        ;;
    import)
        # If it is stopped or killed, the same command resumes. The limit ends a run that goes wrong.
        monocloud users import "${export[@]}" --journal users.journal --results results.csv \
            --max-failures 10
        ;;
    verify)
        # Reads each user from the tenant, and compares it with its row.
        monocloud users import "${export[@]}" --dry-run --results check.csv
        python3 verify.py results.csv check.csv
        ;;
    *)
        echo "usage: $0 dry-run|import|verify" >&2
        exit 2
        ;;
esac
