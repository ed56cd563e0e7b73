#include "stage/stage.h"
extern const struct cbtm_stage stage_train;
int main(int argc, char **argv)
{
	return stage_main(&stage_train, argc, argv);
}
