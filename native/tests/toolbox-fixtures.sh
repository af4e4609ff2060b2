# shellcheck shell=bash
# A toolbox made of this machine's programs, and how it is sent. Needs shim.sh.

# make_toolbox FOLDER PROGRAM...: FOLDER/files is laid out as native/README.md says, FOLDER/lines is what is sent of it.
make_toolbox() {
  local folder=$1 files=$1/files program path library loader
  mkdir -p "$files/bin" "$files/lib"
  for program in "${@:2}"; do
    path=$(command -v "$program")
    cp -L "$path" "$files/bin/"
    while read -r library; do [[ -e $files/lib/${library##*/} ]] || cp -L "$library" "$files/lib/"; done < <(ldd "$path" | awk '$2 == "=>" && $3 ~ /^\// {print $3}')
    loader=$(ldd "$path" | awk '$1 ~ /^\/.*\/ld-/ {print $1}')
    [[ -z $loader || -e $files$loader ]] || { mkdir -p "$files${loader%/*}" && cp -L "$loader" "$files$loader"; }
  done
  library=$(gcc -print-file-name=libgcc_s.so.1)
  [[ ! -e $library ]] || cp -L "$library" "$files/lib/"
  find "$files" -type f -exec chmod 644 {} + && chmod 755 "$files"/bin/* "$files$loader"
  (cd "$files" && find . -type f -printf '%P\n' | sort | tar --format=ustar --owner=root:0 --group=root:0 -T - -cf "$folder/tar")
  gzip -1 -n -c "$folder/tar" >"$folder/gz"
  local sum
  sum=$(sha256sum <"$folder/gz")
  {
    echo "tools test $(stat -c %s "$folder/gz") ${sum%% *} $(stat -c %s "$folder/tar")"
    base64 -w 16368 "$folder/gz" | awk '{print "chunk " at + 0 " " $0; at += 12276}'
  } >"$folder/lines"
}
send_toolbox() {
  cat "$1/lines" >&"$SHIM_IN"
  soon 30000 "the toolbox is ready" toolbox_is_ready
}
# By grep: there is an event for each chunk.
toolbox_is_ready() { grep -q '"event":"tools".*"ready":true' "$T/out" || gone "$SHIM"; }
