/*
 * main: execplugd with the built-in handlers.
 */
#include "daemon.h"

int main(int argc, char *argv[])
{
	return daemon_main(argc, argv, NULL);
}
