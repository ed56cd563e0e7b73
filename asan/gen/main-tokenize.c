#include "stage/stage.h"
extern const struct cbtm_stage stage_tokenize;
int main(int argc, char **argv)
{
	return stage_main(&stage_tokenize, argc, argv);
}
