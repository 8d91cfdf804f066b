"""The operator's menu: `python manage.py --help`."""

from app.cli.main import main

if __name__ == "__main__":
    main()
