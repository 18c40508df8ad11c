#!/usr/bin/env bash
# Moves the users of an Auth0 export: ./migrate.sh dry-run, then import, then verify.
set -euo pipefail
export=(users.json --from auth0 --option hashes=hashes.json)

case ${1:-} in
    dry-run)
        # Reads the file and the tenant, changes nothing, and says what each person loses.
        monocloud users import "${export[@]}" --dry-run --results plan.csv
        ;;
    import)
        # Killed or stopped, the same command goes on where it was. The limit catches a bad start.
        monocloud users import "${export[@]}" --journal users.journal --results results.csv \
            --max-failures 10
        ;;
    verify)
        # Reads each user from the tenant again, and compares it with its row.
        monocloud users import "${export[@]}" --dry-run --results check.csv
        python3 verify.py results.csv check.csv
        ;;
    *)
        echo "usage: $0 dry-run|import|verify" >&2
        exit 2
        ;;
esac
