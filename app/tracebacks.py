"""Where an error was raised, without its words: they may quote inputs."""


def place_of(error: BaseException) -> list[str]:
    """Return the innermost twelve places of a traceback: file, line and function."""
    places, traceback = [], error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-12:]
