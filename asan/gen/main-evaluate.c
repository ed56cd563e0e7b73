#include "stage/stage.h"
extern const struct cbtm_stage stage_evaluate;
int main(int argc, char **argv)
{
	return stage_main(&stage_evaluate, argc, argv);
}
