# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# gebpf doctor: what it says of this machine, and of machines that are made up
# of a few files below GEBPF_DOCTOR_ROOT.

load helper

setup_file() { device_setup; }
teardown_file() { device_teardown; }

# A machine with nothing but a kernel's name.
machine() {
	export GEBPF_DOCTOR_ROOT=$BATS_TEST_TMPDIR/m
	mkdir -p "$GEBPF_DOCTOR_ROOT"/{proc/sys/kernel,sys/kernel/security,dev,etc/udev/rules.d} \
		"$GEBPF_DOCTOR_ROOT"/sys/module/{module/parameters,ebpf,ebpf_dev}
	cd "$GEBPF_DOCTOR_ROOT" || return
	# what is needed there is another matter on the kernel's target
	export GEBPF_TARGET=embedded
	echo 6.1.0-made-up >proc/sys/kernel/osrelease
	: >proc/modules
	echo '[none] integrity confidentiality' >sys/kernel/security/lockdown
}

# ask NAME EXPRESSION: python about v, that check
ask() {
	run gebpf -j doctor
	is "(lambda v: $2)([c for c in v['checks'] if c['name'] == '$1'][0])"
}

@test "doctor: this machine, in every form" {
	gebpf -q map show
	valid gebpf doctor
	[[ $output == *"ok "*target*answers* ]]
	output=$json
	is 'v["usable"] is True and v["target"].split(":")[0] in ("embedded", "kernel")'
	is 'set(c["state"] for c in v["checks"]) <= {"ok", "missing", "wrong"}'
	is 'all(set(c) == {"name", "state", "needed", "text", "type"} for c in v["checks"])'
	is 'all(c["state"] == "ok" for c in v["checks"] if c["needed"])'
	is '[c["name"] for c in v["checks"]][:3] == ["target", "jit", "memfd"]'
	run -2 gebpf doctor now
}

@test "doctor: starts nothing" {
	only_embedded "starting"
	GEBPF_TARGET=embedded:$DIR/nobody.sock run -0 gebpf doctor
	[[ $output == *"first command starts it"* ]]
	[ ! -e "$DIR/nobody.sock" ]
}

@test "doctor: a target that cannot be used is exit 5, nonsense is 2" {
	GEBPF_TARGET=kernel:$DIR/no-such-node
	run -5 --separate-stderr gebpf -j doctor
	is 'v["usable"] is False and v["code"] == "ENODEV" and v["hint"]'
	is 'v["checks"][0]["state"] == "missing" and v["checks"][0]["type"]'
	run -5 --separate-stderr gebpf doctor
	[[ $output == "missing  target"*"type: "* && $stderr == *"Error: "* ]]
	GEBPF_TARGET=moon
	fails 2 gebpf doctor
}

@test "doctor: a folder that others may write to" {
	only_embedded "sockets"
	mkdir "$DIR/open"
	chmod 0777 "$DIR/open"
	GEBPF_TARGET=embedded:$DIR/open/device.sock
	run -5 --separate-stderr gebpf -j doctor
	is 'v["checks"][0]["state"] == "wrong" and "cannot be trusted" in v["checks"][0]["text"]'
}

@test "doctor: modules that are not there, half there, of another release" {
	machine
	ask headers 'v["state"] == "missing" and "linux-headers-6.1.0-made-up" in v["type"]'
	ask modules 'v["state"] != "ok" and "insmod" in v["type"] and not v["needed"]'
	mkdir -p lib/modules/6.1.0-made-up/{build,updates/dkms}
	: >lib/modules/6.1.0-made-up/updates/dkms/ebpf_dev.ko.xz
	ask headers 'v["state"] == "ok"'
	ask modules '"modprobe ebpf_dev" in v["type"]'
	echo 'ebpf 500000 0 - Live 0x0' >proc/modules
	ask modules 'v["state"] == "missing" and "ebpf_dev is not" in v["text"]'
	echo 'ebpf_dev 50000 2 - Live 0x0' >>proc/modules
	echo 0.0.1 >sys/module/ebpf/version
	ask modules 'v["state"] == "wrong" and "0.0.1" in v["text"] and "rmmod" in v["type"]'
	gebpf version | sed -n 's/^gebpf v//p' >sys/module/ebpf/version
	ask modules 'v["state"] == "ok"'
}

@test "doctor: kernels that take no modules" {
	machine
	ask lockdown 'v["state"] == "ok"'
	echo 'none [integrity] confidentiality' >sys/kernel/security/lockdown
	ask lockdown 'v["state"] == "wrong" and "sign" in v["type"]'
	rm sys/kernel/security/lockdown
	echo Y >sys/module/module/parameters/sig_enforce
	ask lockdown 'v["state"] == "wrong" and "sig_enforce" in v["type"]'
	echo 1 >proc/sys/kernel/modules_disabled
	ask lockdown 'v["state"] == "wrong" and "booted" in v["text"]'
}

@test "doctor: the node, its group, who has it open" {
	machine
	ask node 'v["state"] == "missing"'
	printf 'ebpf 1 0 - Live 0x0\nebpf_dev 1 2 - Live 0x0\n' >proc/modules
	printf ' 61 vga_arbiter\n125 ebpf\n' >proc/misc
	echo 2 >sys/module/ebpf_dev/refcnt
	ask node 'v["type"] == "sudo mknod -m 600 /dev/ebpf c 10 125"'
	mkdir -p proc/4711/fd
	ln -s /dev/ebpf proc/4711/fd/3
	echo keeper >proc/4711/comm
	ask 'in use' '"2 open sessions: keeper 4711" in v["text"]'
	: >dev/ebpf
	ask node 'v["state"] == "wrong" and "no device" in v["text"]'
	ask udev 'v["state"] == "missing" and "addgroup" in v["type"]'
	cp "$top/kmod/linux/60-ebpf.rules" etc/udev/rules.d/
	ask udev 'v["state"] == "missing" and "group ebpf is not" in v["text"]'
	echo 'ebpf:x:999:' >etc/group
	ask udev 'v["state"] == "ok"'
}

@test "the rule for the node is one that udev reads" {
	rule=$top/kmod/linux/60-ebpf.rules
	n=0
	while IFS= read -r line; do
		[[ -z $line || $line == '#'* ]] && continue
		n=$((n + 1))
		[[ ", $line" =~ ^(,\ [A-Z]+(==|=)\"[a-z0-9]+\")+$ ]] ||
			{ echo "no rule: $line"; false; }
		[[ $line == *'KERNEL=="ebpf"'*'GROUP="ebpf"'*'MODE="0660"'* ]]
	done <"$rule"
	[ "$n" = 1 ]
	if udevadm verify --help >/dev/null 2>&1; then # since systemd 254
		udevadm verify "$rule"
	fi
}

@test "doctor: a node that others may open, or we may not (root)" {
	machine
	mknod -m 0666 dev/ebpf c 1 3 2>/dev/null || skip "cannot make a device"
	ask node 'v["state"] == "wrong" and "everybody" in v["text"]'
	chmod 0600 dev/ebpf
	chmod 0755 "$BATS_TEST_TMPDIR" "$GEBPF_DOCTOR_ROOT" dev
	ask node 'v["state"] == "ok"'
	copy=$(mktemp -d /tmp/gebpf-doctor.XXXXXX)
	chmod 0755 "$copy"
	cp "$build/gebpf" "$copy/"
	cp -r "$GEBPF_DOCTOR_ROOT/dev" "$copy/"
	GEBPF_DOCTOR_ROOT=$copy GEBPF_TARGET=local run setpriv --reuid 65534 \
		--regid 65534 --clear-groups "$copy/gebpf" -j doctor
	rm -rf "$copy"
	is '[c for c in v["checks"] if c["name"] == "node"][0]["state"] == "wrong"'
}

@test "doctor: netmap and its hook" {
	machine
	ask netmap 'v["state"] == "missing" and "NETMAP=DIR" in v["type"]'
	echo 'netmap 1 0 - Live 0x0' >proc/modules
	ask netmap '"vale_bpf is not" in v["text"]'
	echo 'vale_bpf 1 0 - Live 0x0' >>proc/modules
	ask netmap 'v["state"] == "ok"'
}

@test "doctor: memory that may not become executable is told" {
	GEBPF_TARGET=local
	# PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN: since Linux 6.3
	run "$PY" -c '
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
os.execvp("gebpf", ["gebpf", "-j", "doctor"])'
	[ "$status" != 77 ] || skip "this kernel cannot refuse it"
	is '[c for c in v["checks"] if c["name"] == "jit"][0]["state"] == "wrong"'
}

@test "doctor: no clang, few files" {
	GEBPF_CLANG=/nonexistent ask clang 'v["state"] == "missing" and "clang" in v["type"]'
	run -0 bash -c 'ulimit -n 64; gebpf -j doctor'
	is '[c for c in v["checks"] if c["name"] == "limits"][0]["state"] == "wrong"'
}
