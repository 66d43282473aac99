"""Corrections of MiniStack's services, a module for each; every install() names the upstream behaviour it mends."""
