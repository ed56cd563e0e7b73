#include "stage/stage.h"
extern const struct cbtm_stage stage_tokenize;
extern const struct cbtm_stage stage_embed;
extern const struct cbtm_stage stage_cluster;
extern const struct cbtm_stage stage_shard;
extern const struct cbtm_stage stage_train;
extern const struct cbtm_stage stage_evaluate;
const struct cbtm_stage *const stage_registry[] = {
	&stage_tokenize,
	&stage_embed,
	&stage_cluster,
	&stage_shard,
	&stage_train,
	&stage_evaluate,
	0};
