let
top