"""The site shell: settings, layout, sign-in, theme and public pages. Zones own their own screens."""
