# SPDX-License-Identifier: MIT
# CBTM_REQUIRE(module, VARIABLE, debian-package, [version condition])
# Finds a library with pkg-config: sets VARIABLE_CFLAGS, VARIABLE_LIBS and VARIABLE_VERSION. What
# is missing is collected, so that one error names all Debian packages at once.
AC_DEFUN([CBTM_REQUIRE], [
  AC_MSG_CHECKING([for $1])
  if "$PKG_CONFIG" --exists "$1 $4" >/dev/null 2>&1; then
    $2_CFLAGS=$("$PKG_CONFIG" --cflags $1)
    $2_LIBS=$("$PKG_CONFIG" --libs $1)
    $2_VERSION=$("$PKG_CONFIG" --modversion $1)
    AC_MSG_RESULT([$$2_VERSION])
  elif "$PKG_CONFIG" --exists "$1" >/dev/null 2>&1; then
    AC_MSG_RESULT([$("$PKG_CONFIG" --modversion $1), which does not do: wanted is $1 $4])
    cbtm_missing="$cbtm_missing $3"
  else
    AC_MSG_RESULT([no])
    cbtm_missing="$cbtm_missing $3"
  fi
  AC_SUBST([$2_CFLAGS])
  AC_SUBST([$2_LIBS])
])

# CBTM_REQUIRED: the error for all that CBTM_REQUIRE did not find.
AC_DEFUN([CBTM_REQUIRED], [
  if test -n "$cbtm_missing"; then
    AC_MSG_ERROR([libraries are missing.
  hint: on Debian, install them as root:
    apt-get install$cbtm_missing
  then run configure again.])
  fi
])

# CBTM_ENABLE(name, what it does, shell commands if it is asked for): a switch that is off by default.
AC_DEFUN([CBTM_ENABLE], [
  AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [], [enable_$1=no])
  if test "$enable_$1" = yes; then
    $3
    cbtm_enabled="$cbtm_enabled $1"
  fi
])
