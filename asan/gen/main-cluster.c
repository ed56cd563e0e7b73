#include "stage/stage.h"
extern const struct cbtm_stage stage_cluster;
int main(int argc, char **argv)
{
	return stage_main(&stage_cluster, argc, argv);
}
