#!/usr/bin/env bash
# vulkan-drivers.sh NAME...: fetches software Vulkan drivers into .cache/vulkan, out of Debian packages that are
# unpacked, not installed: nothing on the system changes. A second call is at once; remove a folder to fetch it anew.
# vulkan-drivers.sh --run NAME COMMAND...: runs a command on a driver (also as a cargo runner).
#
#   lavapipe      Debian's own (package mesa-vulkan-drivers), which is not fetched but installed
#   lavapipe-new  a newer lavapipe, which has cooperative matrices
#   swiftshader   out of the package chromium-common: a device with little more than the least that Vulkan asks for
#   validation    a newer validation layer, which finds missing barriers between dispatches, and a newer spirv-val
#
# Versions are those of the mirror that apt uses: ask a device what it can do, not which version it is. A command that
# runs on `lavapipe-new`, or with VK_INSTANCE_LAYERS set (the newer layer), is started by the newer C library's loader,
# since both want that library; programs that it starts itself must go through --run again.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

HOME_DIR=$CACHE/vulkan
ROOT_DIR=$HOME_DIR/forky

# private_apt DIR SUITE: sets APT to the options of an apt whose lists and packages lie in DIR, of one Debian suite.
private_apt() {
  local mirror
  mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n1)
  [ -n "$mirror" ] || mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' /etc/apt/sources.list 2>/dev/null)
  [ -n "$mirror" ] || die "no Debian mirror is configured for apt"
  mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
  : >"$1/status"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$2" >"$1/sources.list"
  APT=(apt-get -qq -o "Dir::Etc::sourcelist=$1/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$1/lists"
    -o "Dir::Cache=$1/cache" -o "Dir::State::status=$1/status" -o APT::Sandbox::User=root
    -o "APT::Architectures=$(dpkg --print-architecture)" -o "APT::Architecture=$(dpkg --print-architecture)")
  "${APT[@]}" update || die "apt could not read the list of $2 from $mirror"
}

# begin NAME: makes `work`, a folder that becomes NAME when `finish NAME` says that it is complete.
begin() {
  mkdir -p "$HOME_DIR"
  work=$(mktemp -d "$HOME_DIR/.part.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "fetching $1"
}
finish() {
  rm -rf "${HOME_DIR:?}/$1" "$work/apt" "$work/debs"
  mv "$work" "$HOME_DIR/$1"
  note "$1 is in ${HOME_DIR#"$ROOT"/}/$1"
}

# Newer Mesa, loader, validation layer, spirv-val and the libraries that they want.
fetch_forky() {
  [ -e "$ROOT_DIR/versions" ] && return 0
  begin forky
  private_apt "$work/apt" forky
  local list deb p
  list=$("${APT[@]}" -s --no-install-recommends install mesa-vulkan-drivers libvulkan1 vulkan-validationlayers spirv-tools |
    awk '/^Inst/ { print $2 }')
  [ -n "$list" ] || die "apt finds no newer drivers"
  mkdir -p "$work/debs"
  # shellcheck disable=SC2086
  (cd "$work/debs" && "${APT[@]}" download $list)
  for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work"; done
  for p in "$work"/debs/*.deb; do dpkg-deb -W "$p"; done >"$work/versions"
  finish forky
}

fetch_swiftshader() {
  [ -e "$HOME_DIR/swiftshader/versions" ] && return 0
  begin swiftshader
  private_apt "$work/apt" bookworm
  mkdir -p "$work/debs" "$work/all"
  (cd "$work/debs" && "${APT[@]}" download chromium-common)
  dpkg-deb -W "$work"/debs/chromium-common_*.deb >"$work/versions"
  dpkg-deb -x "$work"/debs/chromium-common_*.deb "$work/all"
  mv "$work/all/usr/lib/chromium/libvk_swiftshader.so" "$work/all/usr/lib/chromium/vk_swiftshader_icd.json" "$work"
  rm -rf "$work/all"
  finish swiftshader
}

fetch() {
  case $1 in
    lavapipe) need_apt libvulkan1 mesa-vulkan-drivers ;;
    lavapipe-new | validation) fetch_forky ;;
    swiftshader) need_apt libvulkan1; fetch_swiftshader ;;
    *) die "no driver is called $1; there are lavapipe, lavapipe-new, swiftshader, validation" ;;
  esac
}

# run DRIVER COMMAND...
run() {
  local driver=$1 icd libs loader=()
  shift
  libs=$ROOT_DIR/usr/lib/$(gcc -print-multiarch)
  case $driver in
    lavapipe) icd=$(ls /usr/share/vulkan/icd.d/lvp_icd*.json) ;;
    # A name without a folder, which the loader below finds.
    lavapipe-new) icd=$(echo "$ROOT_DIR"/usr/share/vulkan/icd.d/lvp_icd*.json) ;;
    swiftshader) icd=$HOME_DIR/swiftshader/vk_swiftshader_icd.json ;;
    *) die "no driver is called $driver" ;;
  esac
  if [ "$driver" = lavapipe-new ] || [ -n "${VK_INSTANCE_LAYERS:-}" ]; then
    [ -e "$ROOT_DIR/versions" ] || die "the newer drivers and layers are not there: $0 validation"
    loader=("$(echo "$libs"/ld-linux-*.so.*)" --library-path "$libs:/usr/lib/$(gcc -print-multiarch)")
  fi
  # Both names of the variable, for loaders old and new. Layers that come by themselves have no say here.
  VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd VK_LAYER_PATH=$ROOT_DIR/usr/share/vulkan/explicit_layer.d \
    VK_LOADER_LAYERS_DISABLE='~implicit~' NODEVICE_SELECT=1 MLX_ARM_GPU=${MLX_ARM_GPU:-0} exec "${loader[@]}" "$@"
}

case ${1:-} in
  '' | -h | --help) usage ;;
  --run) shift; run "$@" ;;
  *) for name in "$@"; do fetch "$name"; done ;;
esac
