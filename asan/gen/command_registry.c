#include "commands/command.h"
extern const struct command command_cat;
extern const struct command command_document;
extern const struct command command_gc;
extern const struct command command_inspect;
extern const struct command command_load;
extern const struct command command_plan;
extern const struct command command_plugins;
extern const struct command command_report;
extern const struct command command_run;
extern const struct command command_status;
extern const struct command command_validate;
extern const struct command command_verify;
const struct command *const command_registry[] = {
	&command_cat,
	&command_document,
	&command_gc,
	&command_inspect,
	&command_load,
	&command_plan,
	&command_plugins,
	&command_report,
	&command_run,
	&command_status,
	&command_validate,
	&command_verify,
	0};
