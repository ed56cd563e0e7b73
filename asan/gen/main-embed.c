#include "stage/stage.h"
extern const struct cbtm_stage stage_embed;
int main(int argc, char **argv)
{
	return stage_main(&stage_embed, argc, argv);
}
