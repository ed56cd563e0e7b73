#include "stage/stage.h"
extern const struct cbtm_stage stage_shard;
int main(int argc, char **argv)
{
	return stage_main(&stage_shard, argc, argv);
}
