#!/bin/sh
# check.sh DIRECTORY: every link inside the site leads to a file that is there.
set -eu
cd "$1"
[ -f index.html ] || { echo "index.html is not there"; exit 1; }
pages=$(find . -name '*.html' | sort)
bad=0
for page in $pages; do
    links=$(grep -oE '(href|src)="[^"#?]+' "$page" | sed 's/^[a-z]*="//' || true)
    for link in $links; do
        case $link in
            *:* | //*) continue ;;
            /*) target=.$link ;;
            *) target=$(dirname "$page")/$link ;;
        esac
        [ -d "$target" ] && target=$target/index.html
        if [ ! -f "$target" ]; then
            echo "$page: $link leads nowhere"
            bad=$((bad + 1))
        fi
    done
done
echo "$(echo "$pages" | wc -l) pages, $bad links that lead nowhere"
[ "$bad" = 0 ]
