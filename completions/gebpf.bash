# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# bash completion for gebpf(8): the binary knows its grammar and what the
# running device holds, so this only asks it.

_gebpf() {
	local IFS=$'\n' line i
	local cur=${COMP_WORDS[COMP_CWORD]}
	local -a words=()

	# bash takes words apart at : and =; put them together again
	for ((i = 1; i <= COMP_CWORD; i++)); do
		if ((${#words[@]})) && [[ ${COMP_WORDS[i]} == [:=] ||
			${COMP_WORDS[i - 1]} == [:=] ]]; then
			words[-1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
	done
	((${#words[@]})) || words=("")
	[[ $cur == [:=] ]] && cur=
	local prefix=${words[-1]%"$cur"}

	COMPREPLY=()
	while read -r line; do
		if [[ $line == :files ]]; then
			compopt -o filenames 2>/dev/null
			COMPREPLY+=($(compgen -f -- "$cur"))
		else
			COMPREPLY+=("${line#"$prefix"}")
		fi
	done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
	# a port specification goes on: no space after it
	if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]]; then
		compopt -o nospace 2>/dev/null
	fi
}
complete -F _gebpf gebpf
