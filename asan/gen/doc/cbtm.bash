# Completion of cbtm for bash; made by `cbtm document`.
_cbtm()
{
	local word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]##*/} options=
	[ "$program" = cbtm ] && [ "$COMP_CWORD" -gt 1 ] && program="cbtm ${COMP_WORDS[1]}"
	case $program in
	"cbtm-tokenize") options=" --documents --vocabulary --tokens --input --format --text --id --meta --split-field --split-valid --split-test --split-seed --random-seed --bad-lines --line-bytes --part-bytes --vocabulary-size --vocabulary-vocab --vocabulary-merges --vocabulary-eod --vocabulary-bos --task --part --cluster --clusters --threads --plugin-path --verify --wait --log --log-json --quiet --help --version" ;;
	"cbtm-embed") options=" --documents --embedder --vectors --plugin --sample --task --part --cluster --clusters --threads --plugin-path --verify --wait --log --log-json --quiet --help --version --dims --min-df --max-df --max-features --random-seed" ;;
	"cbtm-cluster") options=" --vectors --documents --tokens --centres --assignments --plugin --k --capacity --sample --assign --random-seed --task --part --cluster --clusters --threads --plugin-path --verify --wait --log --log-json --quiet --help --version --iterations --iterations --field" ;;
	"cbtm-shard") options=" --tokens --vocabulary --assignments --seed-sequences --sequences --length --random-seed --memory --task --part --cluster --clusters --threads --plugin-path --verify --wait --log --log-json --quiet --help --version" ;;
	"cbtm-train") options=" --seed-sequences --sequences --seed --expert --compute --model-layers --model-width --model-heads --model-ffn --seed-tokens --seed-batch --seed-lr --seed-warmup --seed-schedule --branch-tokens --branch-batch --branch-lr --branch-warmup --branch-schedule --branch-budget --match --beta1 --beta2 --epsilon --weight-decay --clip --dropout --random-seed --micro-batch --valid-every --log-every --checkpoint-every --task --part --cluster --clusters --threads --plugin-path --verify --wait --log --log-json --quiet --help --version --kernels" ;;
	"cbtm-evaluate") options=" --tokens --seed --expert --vocabulary --embedder --centres --assignments --seed-scores --scores --results --compute --window --documents --batch --temperature --top-k --route-every --task --part --cluster --clusters --threads --plugin-path --verify --wait --log --log-json --quiet --help --version --kernels" ;;
	"cbtm cat") options="--help --column --rows" ;;
	"cbtm document") options="--help --out --plugins" ;;
	"cbtm gc") options="--help --set --work --plugin-path --dry-run" ;;
	"cbtm inspect") options="--help --json --rows" ;;
	"cbtm load") options="--help" ;;
	"cbtm plan") options="--help --set --work --plugin-path --from --only --force --commands" ;;
	"cbtm plugins") options="--help --plugin-path --long" ;;
	"cbtm report") options="--help --json" ;;
	"cbtm run") options="--help --set --work --plugin-path --from --only --force --jobs --threads --dry-run --quiet" ;;
	"cbtm status") options="--help --set --work --plugin-path" ;;
	"cbtm validate") options="--help --set --work --plugin-path" ;;
	"cbtm verify") options="--help" ;;
	"cbtm") options="--help --version cat document gc inspect load plan plugins report run status validate verify" ;;
	esac
	if [[ $word = -* || $program = cbtm ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}
complete -o filenames -F _cbtm cbtm cbtm-tokenize cbtm-embed cbtm-cluster cbtm-shard cbtm-train cbtm-evaluate
