/* config.h.  Generated from config.h.in by configure.  */
/* config.h.in.  Generated from configure.ac by autoheader.  */

/* Named failpoints are compiled in. */
#define CBTM_FAULT 1

/* The folder of installed plugins. */
#define CBTM_PLUGIN_DIR "/usr/local/lib/cbtm/plugins"

/* Name of package */
#define PACKAGE "cbtm"

/* Define to the address where bug reports for this package should be sent. */
#define PACKAGE_BUGREPORT ""

/* Define to the full name of this package. */
#define PACKAGE_NAME "cbtm"

/* Define to the full name and version of this package. */
#define PACKAGE_STRING "cbtm 0.1.0"

/* Define to the one symbol short name of this package. */
#define PACKAGE_TARNAME "cbtm"

/* Define to the home page for this package. */
#define PACKAGE_URL ""

/* Define to the version of this package. */
#define PACKAGE_VERSION "0.1.0"

/* Version number of package */
#define VERSION "0.1.0"
