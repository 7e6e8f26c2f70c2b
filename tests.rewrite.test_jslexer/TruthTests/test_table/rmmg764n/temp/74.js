/* a
*/ --> location