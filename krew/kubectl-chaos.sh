#!/bin/sh
# Starts the plugin on the Node beside it.
# krew and others link to this file, and a link may lead to another: its neighbours are beside the real one.
file=$0
while [ -L "$file" ]; do
    link=$(readlink "$file") || exit 1
    case $link in
    /*) file=$link ;;
    *) file=${file%"${file##*/}"}$link ;;
    esac
done
case $file in
*/*) here=${file%/*} ;;
*) here=. ;;
esac
# These are meant for programs of the user's own, and make Node load code, take a channel of another process, or keep compiled code elsewhere.
# NODE_EXTRA_CA_CERTS and NODE_USE_SYSTEM_CA stay: a company's certificates are meant for this program too.
unset NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE NODE_COMPILE_CACHE NODE_V8_COVERAGE NODE_ICU_DATA NODE_TEST_CONTEXT \
    NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE NODE_UNIQUE_ID NODE_PRESERVE_SYMLINKS NODE_PRESERVE_SYMLINKS_MAIN
# It is run where exec fails and the shell is dash or BusyBox's, as on Alpine; others say their "not found" alone.
trap 'echo "error: the Node.js of this archive does not start here: it needs glibc 2.28 and libstdc++. Take the archive without-node, and Node 22.19 or newer." >&2; exit 1' EXIT
exec "$here/node" "$here/launcher.cjs" "$@"
